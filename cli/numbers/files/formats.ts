import { Option } from 'commander';

/** The formats of files of numbers, and their media types. */
export const mediaTypes = { csv: 'text/csv', ndjson: 'application/x-ndjson' };
export type FileFormat = keyof typeof mediaTypes;

const formatByEnding: Record<string, FileFormat> = {
  ...{ csv: 'csv', tsv: 'csv' },
  ...{ ndjson: 'ndjson', jsonl: 'ndjson' },
};

export const formatByName = (file: string): FileFormat | undefined =>
  formatByEnding[/\.(\w+?)(\.gz)?$/.exec(file)?.[1]?.toLowerCase() ?? ''];

export const formatOption = (description: string): Option =>
  new Option('--format <format>', description).choices(Object.keys(mediaTypes));
