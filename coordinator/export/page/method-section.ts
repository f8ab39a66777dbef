/** The settings everything followed from, and the limits a reader has to know. */
import { formatSeconds } from '../format-figure.ts';
import type { Report } from '../report-schema.ts';
import { html, type Markup } from './markup.ts';

export function methodSection({ study, stages, protection, versions }: Report): Markup {
  const secured = protection.secureAggregation;
  return html`<section id="protection" aria-labelledby="protection-heading">
<h2 id="protection-heading">Protection and limits</h2>
<ul>
<li><strong>On:</strong> every request was signed by the hospital’s own key; every update was encrypted to the coordinator’s key; each
coordinate of an update was clipped to ±${protection.clip}; figures on fewer than ${protection.minimumPatients} patients were withheld.</li>
${secured === undefined ? null : html`<li><strong>On:</strong> secure aggregation: the coordinator added masked updates and saw their sum alone. To open one hospital’s update at least ${secured.lowestThreshold} of ${secured.fewestSites} hospitals would have had to act together with it. ${secured.dropOuts} drop-outs, ${secured.abortedSessions} sessions begun again.</li>`}
<li><strong>Not on:</strong> ${secured === undefined ? 'secure aggregation (the coordinator can open a single hospital’s update, which it does only in memory while adding it) and differential privacy' : 'differential privacy'}. Updates and the published weights can reveal something about training data.</li>
<li>A small study on one split: the standard errors describe the held-out patients, not what another seed or another hospital would give.</li>
<li>Research software, not a medical device. Nothing here is meant for the care of a patient.</li>
</ul>
<dl class="facts">
<dt>plan hash, approved by each hospital</dt><dd class="hash">${study.hash}</dd>
<dt>launched</dt><dd>${study.launchedAt}</dd>
<dt>ended</dt><dd>${study.endedAt ?? 'not yet'}${study.wallSeconds === null ? null : `, after ${formatSeconds(study.wallSeconds)}`}</dd>
${stages.map(
  ({
    name,
    initialModelHash,
    finalModelHash,
  }) => html`<dt>${name}: weights at the start</dt><dd class="hash">${initialModelHash}</dd>
<dt>${name}: weights at the end</dt><dd class="hash">${finalModelHash ?? 'not finished'}</dd>`,
)}
<dt>software</dt><dd>Wardround ${versions.wardround}, Node ${versions.node}</dd>
</dl>
</section>`;
}
