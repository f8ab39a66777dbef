/** Opens a site's evaluation report and gives it to the study. */
import { type EvaluationOffer, EvaluationReport } from '@wardround/protocols/session/messages.ts';
import { evaluationContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import { decodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { open } from '@wardround/shared/crypto/sealed-envelope.ts';
import { RefusalError } from '../refusal-error.ts';
import { requireAccepted } from './require-accepted.ts';
import type { StudyRunner } from './study-runner.ts';

/**
 * Resolves when the report is durably accepted, now or by an earlier offer of the same.
 *
 * @throws {RefusalError}
 */
export async function receiveEvaluation(
  runner: StudyRunner,
  { site, offer }: { readonly site: string; readonly offer: EvaluationOffer },
  identity: Pick<Identity, 'sealingSecret'>,
): Promise<void> {
  let report: EvaluationReport;
  let bytes: number;
  try {
    const sealed = decodeBase64Url(offer.sealed);
    bytes = sealed.length;
    const opened = open(sealed, { identity, context: evaluationContext({ study: runner.state().study, site }) });
    report = EvaluationReport.parse(JSON.parse(Buffer.from(opened).toString()));
  } catch {
    throw new RefusalError('evaluation-unreadable', {
      status: 422,
      message:
        'The evaluation cannot be opened, or it is not a report. Seal an EvaluationReport for this study and site.',
    });
  }
  requireAccepted(await runner.submit({ kind: 'evaluation', site, report, bytes }));
}
