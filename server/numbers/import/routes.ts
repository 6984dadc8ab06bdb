import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Database } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { changingCaller } from '../../http/changing.ts';
import { idempotencyKeyOf, requestHash } from '../../http/idempotency.ts';
import { type App, operation, sharingItself } from '../../http/operation.ts';
import { openInTurn } from '../../http/pace/long-answers.ts';
import type { AllShares } from '../../http/shares.ts';
import type { Meter } from '../../limits/meter.ts';
import { editableNames } from '../state.ts';
import { readColumnNames } from './file/columns.ts';
import type { ImportFormat } from './file/open.ts';
import { type ImportReport, importNumbers, rejectionsStored } from './import.ts';
import { ImportBody, ImportFile, ImportQuery, ImportRejectedBody } from './schemas.ts';

/** The content types of a file. Browsers on Windows call CSV a spreadsheet. */
const formats: Record<string, ImportFormat> = {
  'text/csv': 'csv',
  'application/csv': 'csv',
  'text/tab-separated-values': 'csv',
  'text/plain': 'csv',
  'application/vnd.ms-excel': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
};
const description = `Imports a file of numbers of any length. The file is streamed.

**CSV** (\`Content-Type: text/csv\`) is separated by commas, semicolons or tabs. Its first line names the columns, in any case; empty rows, and columns without name and content, are nothing. The usual names of other programs are known: \`Phone Number\`, \`DID\`, \`Friendly Name\`, \`Customer\` and more. \`columns\` says others. A file of numbers and nothing else needs no names. **NDJSON** (\`application/x-ndjson\`) has one object with the same fields per line. Both are UTF-8, UTF-16 with a byte order mark, or what \`charset\` says; both may be in gzip.

| column | |
|---|---|
| \`phone_number\` | The number. |
| \`organization\` | The unique_id of an organization, or its name where only one has it. Without it, rows belong to \`organization_id\`. |
| \`user\` | The unique_id or e-mail address of an active user of the organization, who gets the number at once. |
| \`status\` | \`reserved\` or \`cooling_down\`, with its end in \`until\`. A number with a user is \`assigned\`, any other one \`available\`. |
| ${editableNames.map(name => `\`${name}\``).join(', ')} | Fields of the number. Tags are separated by commas; metadata is JSON, and \`metadata.NAME\` is one field of it. An empty cell gives nothing. |

\`not_taken\` names every other column with something in it. The good rows are imported in one transaction, with one revision of each organization. Every other row is reported with its line, field and reason, and as it was in the file. With \`dry_run\` the same rows are rejected.

With \`update\`, a number that is in its organization already is changed where the row differs. Empty cells change nothing, and neither does a status.

With an \`Idempotency-Key\`, a repeat with the same key and file replays the first reply. A replay has at most ${rejectionsStored.toLocaleString('en-US')} rejections, and fewer if their rows are long; \`rejections_omitted\` says how many it leaves out.`;

/** Needs a Fastify scope of its own, since it replaces the body parsers: here a body is a stream. */
export function importRoutes(
  app: App,
  database: Database,
  brand: string,
  shares: AllShares,
  meter: Meter,
): void {
  app.removeAllContentTypeParsers();
  // Every type is let through, so that this route says itself which ones it takes.
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  app.post(
    '/v1/sms/phone-numbers/import',
    sharingItself(
      operation(
        'change',
        {
          operationId: 'importNumbers',
          summary: 'Import numbers from a file',
          description,
          tags: ['Phone numbers'],
          consumes: ['text/csv', 'application/x-ndjson'],
          querystring: ImportQuery,
          body: ImportFile,
          response: { 200: ImportBody, 422: ImportRejectedBody },
        },
        [
          'organization_not_active',
          'organization_not_found',
          'body_too_large',
          'media_type_unsupported',
          'too_many_imports',
          'tenant_limit_reached',
          'key_bound',
          'organization_id_taken',
        ],
      ),
    ),
    async (request, reply) => {
      const type = readType(request.headers);
      if (!(request.body instanceof Readable)) throw unsupported('there is no body');
      const { columns: columnNames, organization_id, ...options } = request.query;
      const columns = readColumnNames(columnNames);
      const file = meter.importing(request, reply, request.body);
      // An import holds a connection from the first byte of its file until its report is read from the database.
      const { report, stream } = await openInTurn(shares, 'imports', request, reply, async () => {
        const key = idempotencyKeyOf(request);
        const idempotency =
          key === undefined ? undefined : { key, hash: requestHash(request).update(JSON.stringify(type)) };
        const report = await importNumbers(
          database,
          changingCaller(request),
          { ...options, columns, organization_id },
          file,
          type,
          idempotency,
        );
        const stream = Readable.from(reportBody(report, request.query.dry_run, request.id, brand));
        // The stream closes even if it is never read because the client has gone.
        stream.once('close', report.end);
        return { report, stream };
      });
      if (report.replayed) reply.header('idempotency-replayed', 'true');
      reply.status(report.refused ? 422 : 200).type('application/json; charset=utf-8');
      return reply.send(stream as never);
    },
  );
}

/** @throws Problem `media_type_unsupported`, which says what to send instead */
function readType({
  'content-type': given = '',
  'content-encoding': encoding = 'identity',
}: IncomingHttpHeaders) {
  const [type = '', ...parameters] = given.split(';').map(part => part.trim());
  const format = formats[type.toLowerCase()];
  if (!format)
    throw unsupported(type === '' ? 'there is no Content-Type' : `the Content-Type is ${type.slice(0, 100)}`);
  if (!/^(identity|gzip|x-gzip)$/i.test(encoding))
    throw unsupported(`the Content-Encoding is ${encoding.slice(0, 40)}`);
  const charset = parameters.map(part => /^charset="?([^"]+)"?$/i.exec(part)?.[1]).find(Boolean);
  return { format, charset: charset?.toLowerCase() };
}

const unsupported = (what: string): Problem =>
  new Problem(
    'media_type_unsupported',
    `An import is the file itself, as text/csv or application/x-ndjson, plain or in gzip, and here ${what}`,
    'curl --data-binary @numbers.csv -H "Content-Type: text/csv"',
  );

async function* reportBody(report: ImportReport, dry_run: boolean, request_id: string, brand: string) {
  const { rows, imported, updated, unchanged, rejected, batch_id, rejections_omitted, rejections } = report;
  const { organizations, not_taken, columns, separator } = report;
  const were = rejected === 1 ? 'was' : 'were';
  const error = `${rejected} of ${rows} ${rows === 1 ? 'row' : 'rows'} ${were} rejected, so nothing was imported`;
  const refusal = { success: false, error, code: 'import_rejected', request_id };
  const head = JSON.stringify({
    ...(report.refused ? refusal : { success: true }),
    ...{ dry_run, batch_id, rows, imported, updated, unchanged, rejected },
    ...{ organizations, not_taken, columns, separator, rejections_omitted },
  });
  let text = `${head.slice(0, -1)},"rejections":[`;
  let first = true;
  for await (const rejection of rejections) {
    text += (first ? '' : ',') + JSON.stringify(rejection);
    first = false;
    if (text.length > 32_768) {
      yield text;
      text = '';
    }
  }
  yield `${text}],"powered_by":${JSON.stringify(brand)}}`;
}
