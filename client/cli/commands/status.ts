import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { isSiteRunning } from '../../state/instance-lock.ts';
import { readMembership } from '../../state/membership.ts';
import { readSiteStatus, type SiteStatus } from '../../state/site-status.ts';
import { stateOption } from '../options.ts';

const CONNECTIONS: Readonly<Record<SiteStatus['connection'], string>> = {
  connecting: 'connecting to the coordinator',
  announced: 'connected; the coordinator announces work',
  polling: 'connected; asking for work at intervals (no socket)',
  'waiting-for-admission': 'enrolled; waiting for the coordinator’s administrator to admit this site',
  failing: 'the coordinator gives no usable answer',
};

function progressLine({ progress }: SiteStatus): string[] {
  if (progress === null) return [];
  const { activity, stage, round, done, total, loss, perSecond } = progress;
  const where = [stage, round === null ? null : `round ${round}`].filter((part) => part !== null).join(', ');
  const figures = [
    `${done} of ${total}`,
    loss === null ? null : `loss ${loss.toFixed(3)}`,
    perSecond === null ? null : `${perSecond.toFixed(1)} samples a second`,
  ].filter((part) => part !== null);
  return [`Doing       ${activity.replaceAll('-', ' ')}${where === '' ? '' : ` (${where})`}: ${figures.join(', ')}`];
}

function statusLines(status: SiteStatus): string[] {
  return [
    `Connection  ${CONNECTIONS[status.connection]}`,
    ...(status.problem === null ? [] : [`Problem     ${status.problem}`]),
    ...(status.study === null ? [] : [`Study       ${status.study.name} ${status.study.hash}`]),
    ...(status.waitingForApproval === null
      ? []
      : [
          'Approval    this study waits for you. Read and approve it:',
          `            wardround-site study show ${status.waitingForApproval.slice(0, 12)}`,
          `            wardround-site study approve ${status.waitingForApproval.slice(0, 12)}`,
        ]),
    ...progressLine(status),
    ...(status.engine === null ? [] : [`Engine      ${status.engine.kind}: ${status.engine.description}`]),
    ...(status.inventory === null
      ? []
      : [
          `Data        ${status.inventory.patients} patients, ${status.inventory.series} series, ${status.inventory.slices} slices, ` +
            `${status.inventory.clinical} with clinical data, ${status.inventory.expression} with expression, ${status.inventory.heldOut} held out`,
        ]),
    ...Object.entries(status.quarantine ?? {}).map(
      ([reason, count]) => `Left out    ${count} × ${reason.replaceAll('-', ' ')}`,
    ),
    `Sent        ${(status.bytesSent / 1e6).toFixed(1)} MB since the client started`,
  ];
}

export const status = defineCommand({
  meta: { name: 'status', description: 'Says what this site is doing' },
  args: { state: stateOption, json: { type: 'boolean', description: 'As one JSON object', default: false } },
  async run({ args }) {
    const folder = resolve(args.state);
    const membership = await readMembership(folder);
    const running = membership !== null && isSiteRunning(folder);
    const kept = await readSiteStatus(folder);
    if (args.json) {
      const joined = membership && {
        site: membership.site,
        url: membership.coordinator.url,
        fingerprint: membership.coordinator.fingerprint,
      };
      console.log(
        JSON.stringify({ joined, running, status: running ? kept : null, lastStatus: running ? null : kept }),
      );
      return;
    }
    if (membership === null) {
      console.log('This site has not joined a coordinator. Run: wardround-site join TOKEN --data DIR');
      return;
    }
    console.log(`Site        ${membership.site}`);
    console.log(`Coordinator ${membership.coordinator.url} (${membership.coordinator.fingerprint.slice(0, 16)})`);
    if (!running) {
      console.log('Client      not running. Run: wardround-site start');
      return;
    }
    console.log('Client      running');
    for (const line of kept === null ? [] : statusLines(kept)) console.log(line);
  },
});
