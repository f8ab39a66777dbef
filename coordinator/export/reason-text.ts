/**
 * Reason codes in plain English, for people who read reports. A code that is not in the list is shown as its own words,
 * so that a newer site's reasons still reach the reader.
 */

/** What was set aside. Reads after a number: "3 × ...". */
const setAside = {
  'file-unreadable': 'file that could not be opened',
  'file-too-large': 'file larger than is read',
  'folder-unreadable': 'folder that could not be opened, or too deep',
  'not-dicom': 'file that is not DICOM',
  'dicom-malformed': 'DICOM file with a damaged header',
  'dicom-too-many-elements': 'DICOM file with more elements than are read',
  'dicom-nested-too-deep': 'DICOM file with sequences nested too deep',
  'inflated-too-large': 'deflated DICOM file that unpacks to more than is read',
  'transfer-syntax-unsupported': 'DICOM file in a transfer syntax that is not decoded',
  'jpeg-12-bit-unsupported': 'DICOM file in 12-bit lossy JPEG, which is not decoded',
  'jpeg-progressive-unsupported': 'DICOM file in a retired progressive JPEG process, which is not decoded',
  'htj2k-unsupported': 'DICOM file in high-throughput JPEG 2000, which is not decoded',
  'no-pixel-data': 'DICOM file without an image',
  'image-attributes-missing': 'image whose size or depth is missing or contradicts itself',
  'image-size-out-of-bounds': 'image with fewer or more rows, columns or frames than are read',
  'pixel-format-unsupported': 'image that is not single-channel grey with 8 or 16 bits',
  'pixel-length-mismatch': 'image whose pixel data does not fit its size',
  'pixel-data-truncated': 'image cut off before its end',
  'pixel-data-damaged': 'image with damaged compression',
  'codestream-mismatch': 'image of another size or depth than its header says',
  'frames-not-found': 'image whose frames could not be told apart',
  'decoder-crashed': 'file that made the decoder crash',
  'decoder-timed-out': 'file that took too long to read',
  'not-ct': 'image that is not CT',
  'secondary-capture': 'screen or dose sheet',
  'localiser-image': 'localiser (scout) image',
  'derived-image': 'projection or other derived image',
  'burned-in-annotation': 'image with annotations in its pixels',
  'not-axial': 'slice that is not axial',
  'duplicate-image': 'image found twice',
  'duplicate-position': 'slice at the same position as another',
  'patient-id-missing': 'image that names no patient',
  'clinical-table-unreadable': 'clinical table that could not be read',
  'clinical-row-damaged': 'clinical row that could not be split into cells',
  'clinical-row-too-long': 'clinical row with more cells than headings',
  'clinical-row-too-short': 'clinical row with fewer cells than headings, the missing ones taken as empty',
  'clinical-row-without-id': 'clinical row that names no patient',
  'clinical-row-duplicate-patient': 'further clinical row of the same patient',
  'clinical-cell-not-a-number': 'clinical cell that should be a number and is not, taken as empty',
  'clinical-cell-unknown-category': 'clinical cell of an unknown category, taken as empty',
  'expression-table-unreadable': 'expression table that could not be read',
  'expression-table-without-plan-genes': 'expression table with none of the plan’s genes',
  'expression-row-damaged': 'damaged expression row',
  'expression-cell-not-a-number': 'expression cell without a number, taken as the mean',
  'expression-patient-without-id': 'expression profile that names no patient',
  'expression-patient-duplicate': 'further expression profile of the same patient',
  'expression-patient-unusable': 'expression profile with fewer than half of the genes',
};

/** Why a site is not in a round, a study or the evaluation. Reads after a colon. */
const leftOut = {
  'no-answer': 'it did not answer before the deadline',
  late: 'its update came after the deadline',
  'update-norm-rose': 'the round was rolled back, because the model changed far more than in the rounds before',
  'training-loss-rose': 'the round was rolled back, because the training loss had risen at most sites',
  'not-approved': 'the hospital has not approved the study',
  'approval-revoked': 'the hospital has revoked its approval of the study',
  'site-revoked': 'the coordinator’s administrator has revoked the site',
  'policy-minimum-sites': 'the hospital’s policy needs more sites in a round',
  'policy-minimum-threshold': 'the hospital’s policy needs more sites together to open an update',
  'policy-protection-mode': 'the hospital’s policy does not allow this protection of updates',
  'policy-clip': 'the hospital’s policy needs a smaller clip',
  'policy-epsilon': 'the hospital’s policy needs a smaller epsilon',
  'policy-privacy-budget': 'the study would spend more of the hospital’s privacy budget than is left',
  'policy-data-sets': 'the hospital’s policy does not allow the use of these data',
  'policy-rounds': 'the hospital’s policy allows fewer rounds',
  'policy-hours': 'the hospital’s policy does not let it train at this hour',
  'policy-damaged': 'the hospital’s policy file is damaged, and until it is put right nothing is allowed',
  'not-invited': 'it was not invited to the round',
  'too-few-patients': 'fewer patients than the plan needs',
  'out-of-memory': 'its machine ran out of memory',
  'stopped-by-operator': 'somebody at the hospital stopped it',
  'training-not-finite': 'its training gave numbers that are not finite',
  'update-not-finite': 'its update had numbers that are not finite',
  'update-wrong-length': 'its update was of the wrong length',
  'update-sample-count': 'its update claimed an impossible number of samples',
  'update-empty': 'its update was trained on no samples',
  'update-out-of-range': 'its update had numbers beyond the agreed range',
  'update-damaged': 'its update arrived damaged',
  'update-unusable': 'its update could not be used',
  'dropped-out': 'it had trained and left before its update was masked',
  'model-chain-broken': 'it found weights that do not follow from the plan and the published sums',
  'views-differ': 'it was told of other survivors than other hospitals were',
  'roster-differs': 'another hospital followed another roster',
  'already-revealed': 'it was asked for a second sum of the round',
  'session-failed': 'it could not mask its update',
  'session-not-known': 'it knew nothing of the session it was asked about',
  'seal-broken': 'the seal of its update was broken or meant for something else',
  'wrong-model': 'its update was trained from other weights',
  'wrong-layout': 'its update was of another model',
  'wrong-round': 'its update was for another round',
  'wrong-stage': 'its update was for another stage',
  'model-wrong-length': 'it found the weights to be of the wrong length',
  'model-not-finite': 'it found weights that are not finite numbers',
  'missing-model': 'it was not told which weights to evaluate',
  'evaluation-unreadable': 'its evaluation could not be opened or understood',
  equivocation: 'it sent two different messages where one was due',
};

/** Why a study or a round failed. Reads after a colon. */
const failure = {
  'quorum-not-ready': 'too few hospitals were ready before the deadline',
  'one-site-changed': 'one hospital alone had joined or left since the last sum, which would have told of its update',
  'quorum-not-met': 'too few updates arrived before the deadline',
  'too-few-sites': 'there are fewer hospitals than the plan needs',
  'too-few-survivors': 'too many hospitals left each attempt at adding the updates securely',
  'too-few-shares': 'too many hospitals left before the sum could be unmasked',
  'site-left': 'a hospital left while the updates were being added securely',
  'canary-wrong': 'the masks did not cancel in the sum',
  'sum-out-of-range': 'the sum had numbers that no updates add up to',
  'secret-wrong': 'a hospital had shared something else than its secret',
  'too-many-skipped-rounds': 'too many rounds in a row had no result',
  'too-many-rollbacks': 'too many rounds had to be rolled back',
  'aggregation-failed': 'the updates could not be added',
  'updates-do-not-fit': 'the sum of the updates does not fit the number format',
  'stage-preparation-failed': 'the starting weights could not be made',
};

/** Why a task could not be measured at a site. Reads after a colon. */
const notMeasured = {
  'too-few-patients': 'fewer held-out patients than may be reported',
  'one-class-only': 'the patients are all of one class',
  'no-label-column': 'no column with this label',
  'modality-absent': 'no data of this kind',
  'too-few-shots': 'too few labelled patients for so many examples',
  'alignment-not-trained-here': 'the hospital did not train this stage',
};

const texts = { 'set-aside': setAside, 'left-out': leftOut, failure, 'not-measured': notMeasured } as const;

/** What a reason explains: the same code can stand for different things. */
export type ReasonSubject = keyof typeof texts;

/** A fragment of a sentence, without a capital or a full stop. */
export function reasonText(code: string, subject: ReasonSubject): string {
  const known: Readonly<Record<string, string>> = texts[subject];
  return (Object.hasOwn(known, code) ? known[code] : undefined) ?? code.replaceAll('-', ' ');
}
