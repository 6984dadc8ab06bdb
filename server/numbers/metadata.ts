import { invalid } from '../errors.ts';

const metadataLengthMax = 8000;
const metadataLevelsMax = 5;

/** Checks the limits of metadata. @throws Problem `invalid_request` */
export function readMetadata(metadata: Record<string, unknown>): Record<string, unknown> {
  if (JSON.stringify(metadata).length > metadataLengthMax)
    throw invalid(`metadata is longer than ${metadataLengthMax} characters`);
  if (levelsOf(metadata) > metadataLevelsMax)
    throw invalid(`metadata is nested deeper than ${metadataLevelsMax} levels`);
  return metadata;
}

/** `{}` has one level, and `{"a": [1]}` two. */
function levelsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}
