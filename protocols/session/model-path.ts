/**
 * The way a stage's weights went, read from its chain: which sums lead to the weights of now, past rounds that were skipped
 * and results that were rolled back.
 *
 * A site computes every step of it, and a rollback may lead to nothing but what the gate allows (round/gate.ts): the weights
 * that the rejected round started from, or those that the committed round before it started from. So a coordinator can bring
 * back no older weights, and none that the site has not computed.
 */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { GateFailure } from '../round/gate.ts';
import type { ModelChain } from './messages.ts';

export type ChainLink = ModelChain['links'][number];

/** What a site keeps of its own computation. */
export interface KeptPoint {
  /** The last round of the chain that it covers; 0 for the weights the stage began with. */
  readonly round: number;
  readonly initial: Sha256Hex;
  readonly model: Sha256Hex;
  /** The weights that a rollback may lead to, where they are kept. */
  readonly fallback: Sha256Hex | null;
}

export interface ModelRoute {
  readonly from: 'start' | 'kept' | 'fallback';
  /** The committed rounds to compute, in order. */
  readonly links: readonly ChainLink[];
  /** The round that the route covers. */
  readonly round: number;
  /** The weights at its end. */
  readonly model: Sha256Hex;
  /** The weights that the next rollback may lead to: those after so many links, or those that are kept for it already. */
  readonly fallbackAfter: number | 'kept';
}

/** Null when the chain is none that the gate allows, or not the one that was kept. */
export function modelRoute(
  chain: ModelChain,
  { kept, gate }: { readonly kept: KeptPoint | null; readonly gate: { readonly maximumRollbacks: number } | undefined },
): ModelRoute | null {
  const standings = readChain(chain, gate);
  const last = standings?.at(-1);
  if (standings === null || last === undefined) return null;
  const known = kept === null ? undefined : standings.find(({ round }) => round === kept.round);
  if (kept !== null && (kept.initial !== chain.initial || known?.at.model !== kept.model)) return null;

  const links: ChainLink[] = [];
  let from: ModelRoute['from'] = 'start';
  for (let point = last.at; ; point = point.before) {
    if (known !== undefined && point === known.at) from = 'kept';
    else if (known !== undefined && point === known.fallback && kept?.fallback === point.model) from = 'fallback';
    if (from !== 'start' || point.before === null) break;
    links.unshift(point.link);
  }
  const isAtEnd = last.fallback === last.at;
  const fallbackAfter = isAtEnd ? links.length : links.length > 0 ? links.length - 1 : 'kept';
  return { from, links, round: last.round, model: last.at.model, fallbackAfter };
}

/** Weights that the stage went on from, and the committed round that led to them. */
type Point =
  | { readonly model: Sha256Hex; readonly before: null }
  | { readonly model: Sha256Hex; readonly before: Point; readonly link: ChainLink };

/** Where the stage stood when a round was over. */
interface Standing {
  readonly round: number;
  readonly at: Point;
  readonly fallback: Point;
}

function readChain(
  { initial, links, skipped = [] }: ModelChain,
  gate: { readonly maximumRollbacks: number } | undefined,
): Standing[] | null {
  const rounds = [...links, ...skipped].sort((a, b) => a.round - b.round);
  const start: Point = { model: initial, before: null };
  const standings: Standing[] = [{ round: 0, at: start, fallback: start }];
  let { at, fallback } = standings[0]!;
  let rollbacks = 0;
  for (const [index, link] of rounds.entries()) {
    if (link.round !== index + 1) return null;
    if ('sum' in link) {
      if (link.rolledBack === undefined) {
        fallback = at;
        at = { model: link.model, before: at, link };
      } else {
        rollbacks += 1;
        const { to, reason } = link.rolledBack;
        const target = targetOf(reason as GateFailure, { at, fallback });
        if (gate === undefined || rollbacks > gate.maximumRollbacks || target?.model !== to) return null;
        at = target;
      }
    }
    standings.push({ round: link.round, at, fallback });
  }
  return standings;
}

/** What the gate goes back to for that reason; undefined for reasons that it does not have. */
function targetOf(reason: GateFailure, { at, fallback }: Pick<Standing, 'at' | 'fallback'>): Point | undefined {
  switch (reason) {
    case 'update-norm-rose':
      return at;
    case 'training-loss-rose':
      return fallback;
    default:
      reason satisfies never;
      return undefined;
  }
}
