import type { Static } from '../../../schema/schema.ts';
import { csvLine } from '../../../server/http/csv.ts';
import type { ImportBody } from '../../../server/numbers/import/schemas.ts';
import { writeOutput } from '../../terminal/write-file.ts';

/* The rejected rows of an import as a file: in its own columns, after the line, the field and the reason. */

type Report = Pick<Static<typeof ImportBody>, 'columns' | 'separator' | 'rejections'>;
type Rejection = Report['rejections'][number];

const ownColumns = ['line', 'field', 'reason'];
const rowsPerPiece = 1000;
/** Spreadsheets take a file without it for Windows-1252. */
const byteOrderMark = '\ufeff';

export async function writeRejected(file: string, report: Report): Promise<void> {
  await writeOutput(file, async write => {
    const pieces = report.columns === null ? ndjsonOf(report.rejections) : csvOf(report, report.columns);
    for (const piece of pieces) await write(Buffer.from(piece));
  });
}

function* csvOf({ separator, rejections }: Report, columns: string[]): Generator<string> {
  // The import finds no other separator by itself.
  const between = separator === ';' || separator === '\t' ? separator : ',';
  // A row that was rejected before has its line, field and reason already.
  const isOwn = columns.map(name => ownColumns.includes(name.toLowerCase()));
  const others = (cells: string[]) => cells.filter((_, place) => !isOwn[place]);
  yield byteOrderMark + csvLine([...ownColumns, ...others(columns)], between);
  for (const some of piecesOf(rejections))
    yield some
      .map(one => csvLine([...reasonOf(one), ...others(Array.isArray(one.row) ? one.row : [])], between))
      .join('');
}

const reasonOf = ({ line, field, error }: Rejection) => [String(line), field ?? '', error];

function* ndjsonOf(rejections: Rejection[]): Generator<string> {
  for (const some of piecesOf(rejections))
    yield some
      .map(({ line, field, error, row }) => {
        const object = typeof row === 'object' && !Array.isArray(row) ? row : { text: row };
        return `${JSON.stringify({ ...object, line, field, reason: error })}\n`;
      })
      .join('');
}

function* piecesOf(rejections: Rejection[]): Generator<Rejection[]> {
  for (let from = 0; from < rejections.length; from += rowsPerPiece)
    yield rejections.slice(from, from + rowsPerPiece);
}
