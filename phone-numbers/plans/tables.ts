import metadata from 'libphonenumber-js/metadata.max.json';

// libphonenumber's tables, as libphonenumber-js carries them: a row of expressions for each country. Only this data
// serves: the library's own code does not print what libphonenumber prints (decision 21).

/** One kind of number: what its numbers look like, and how many digits they have where not all lengths of the row do. */
export type KindRow = readonly [pattern: string, lengths?: readonly number[]];

export type FormatRow = readonly [
  pattern: string,
  national: string,
  /** What the number begins with, ever more exactly: the last one decides. */
  leading?: readonly string[] | 0,
  nationalRule?: string | 0,
  nationalRuleIsOptional?: 0 | 1,
  international?: string,
];

export type PlanRow = readonly [
  code: string,
  internationalPrefix: string | 0,
  form: string,
  lengths: readonly number[],
  formats?: readonly FormatRow[] | 0,
  trunk?: string | 0,
  nationalRule?: string | 0,
  trunkForReading?: string | 0,
  trunkTransform?: string | 0,
  nationalRuleIsOptional?: 0 | 1,
  leading?: string | 0,
  kinds?: readonly (KindRow | 0)[],
];

/** Where these stand in `kinds`. */
export const [fixedLine, voicemail] = [0, 5];

type Tables = {
  /** The countries of each code, the main one first. */
  country_calling_codes: Record<string, string[]>;
  countries: Record<string, PlanRow>;
  nonGeographic: Record<string, PlanRow>;
};

export const tables = metadata as unknown as Tables;
