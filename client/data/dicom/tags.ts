/**
 * The only DICOM attributes this client reads. Names, dates, descriptions and everything else in a file are stepped over
 * by length and never turned into a value. The three identifiers are hashed where they are read (image-header.ts).
 */
export const TAGS = {
  transferSyntax: 'x00020010',
  imageType: 'x00080008',
  sopClass: 'x00080016',
  sopInstance: 'x00080018',
  modality: 'x00080060',
  patientId: 'x00100020',
  seriesInstance: 'x0020000e',
  instanceNumber: 'x00200013',
  imagePosition: 'x00200032',
  imageOrientation: 'x00200037',
  planePositionSequence: 'x00209113',
  planeOrientationSequence: 'x00209116',
  samplesPerPixel: 'x00280002',
  photometricInterpretation: 'x00280004',
  numberOfFrames: 'x00280008',
  rows: 'x00280010',
  columns: 'x00280011',
  bitsAllocated: 'x00280100',
  bitsStored: 'x00280101',
  highBit: 'x00280102',
  pixelRepresentation: 'x00280103',
  pixelPaddingValue: 'x00280120',
  pixelPaddingRangeLimit: 'x00280121',
  burnedInAnnotation: 'x00280301',
  rescaleIntercept: 'x00281052',
  rescaleSlope: 'x00281053',
  rescaleType: 'x00281054',
  pixelValueTransformationSequence: 'x00289145',
  sharedFunctionalGroups: 'x52009229',
  perFrameFunctionalGroups: 'x52009230',
  pixelData: 'x7fe00010',
} as const;

export type TagName = keyof typeof TAGS;
