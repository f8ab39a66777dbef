/** Why a study refuses an input: a stable code for programs and a sentence for people. */
export const refusals = {
  'not-invited': 'This site is not invited to this study or round. Ask for work and follow what it says.',
  'study-over': 'The study is over. Ask for work.',
  'late-update':
    'The round that the update was trained for is over without it. Ask for work; the next round may include this site.',
  late: 'The deadline has passed. Ask for work; the next round may include this site.',
  'out-of-turn': 'The study is not at the step this message belongs to. Ask for work.',
  'wrong-stage': 'The update is for a stage that is not the current one. Ask for work.',
  'wrong-round': 'The update is for a round that has not been opened. Ask for work.',
  'wrong-model':
    'The update was trained from weights that are not those of this round. The site is left out of this round.',
  'wrong-layout': 'The update is in a parameter layout that is not this stage’s. The site is left out of this round.',
  'left-out': 'The site was left out of this round already. Ask for work; the next round may include it.',
  equivocation: 'A different message of this kind was accepted from this site already. The first one stands.',
  'session-expected': 'This study aggregates in sessions and takes no update by itself. Ask for work.',
  'no-session': 'This study does not aggregate in sessions. Ask for work.',
  'wrong-attempt': 'No such attempt at the round’s session has begun. Ask for work.',
  'figures-missing': 'The first message of a round must bring the figures of the training.',
  'already-accepted': 'The update of this site was accepted already and stands.',
} as const;

export type RefusalCode = keyof typeof refusals;
