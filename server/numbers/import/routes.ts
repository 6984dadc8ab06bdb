import { Readable } from 'node:stream';
import type { Database } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { changingCaller } from '../../http/changing.ts';
import { idempotencyKeyOf, requestHash } from '../../http/idempotency.ts';
import { type App, operation } from '../../http/operation.ts';
import { editableNames } from '../state.ts';
import { type ImportReport, importNumbers, rejectionsKept } from './import.ts';
import type { ImportFormat } from './rows.ts';
import { ImportBody, ImportFile, ImportQuery, ImportRejectedBody } from './schemas.ts';

const formats: Record<string, ImportFormat> = { 'text/csv': 'csv', 'application/x-ndjson': 'ndjson' };
/** Each holds a connection to the database for as long as its file takes to arrive. */
const importsMax = 4;

/** A scope of its own: only here is a body a stream, and only of these types. */
export function importRoutes(app: App, database: Database, brand: string): void {
  let running = 0;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(Object.keys(formats), (_request, payload, done) => done(null, payload));

  app.post(
    '/v1/sms/phone-numbers/import',
    operation(
      'change',
      {
        operationId: 'importNumbers',
        summary: 'Import numbers from a file',
        description: `Brings a file of numbers into an organization, of any length, as a stream.

**CSV** (\`Content-Type: text/csv\`): UTF-8, comma-separated; the first line names the columns. \`phone_number\` is needed. \`user\` is the unique_id or e-mail address of an active user of the organization, who is assigned the number at once. ${editableNames.map(name => `\`${name}\``).join(', ')} are what the number is to be: tags with commas between them, metadata as JSON. **NDJSON** (\`application/x-ndjson\`): one object with these fields a line.

Rows that are right are imported, all in one revision; every other row is reported with its line and the reason.

With an \`Idempotency-Key\`, the same key with the same file gets the first answer again, of whose rejections the first ${rejectionsKept.toLocaleString('en-US')} are kept: \`rejections_omitted\` says how many more there were.`,
        tags: ['Phone numbers'],
        consumes: Object.keys(formats),
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
      ],
    ),
    async (request, reply) => {
      const format = formats[request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''];
      if (!format || !(request.body instanceof Readable)) {
        throw new Problem(
          'media_type_unsupported',
          `Content-Type must be one of ${Object.keys(formats).join(', ')}`,
        );
      }
      if (running >= importsMax) throw new Problem('too_many_imports');
      running++;
      try {
        const key = idempotencyKeyOf(request);
        const repeat = key === undefined ? undefined : { key, hash: requestHash(request).update(format) };
        const caller = changingCaller(request);
        const report = await importNumbers(database, caller, request.query, request.body, format, repeat);
        if (report.replayed) reply.header('idempotency-replayed', 'true');
        reply.status(report.refused ? 422 : 200).type('application/json; charset=utf-8');
        const text = reportBody(report, request.query.dry_run, request.id, brand);
        const body = Readable.from(text, { objectMode: false });
        // Also when it was never read, because the client has gone by now.
        body.once('close', report.end);
        return reply.send(body as never);
      } finally {
        running--;
      }
    },
  );
}

async function* reportBody(report: ImportReport, dry_run: boolean, request_id: string, brand: string) {
  const { rows, imported, rejected, batch_id, rejections_omitted, rejections } = report;
  const were = rejected === 1 ? 'was' : 'were';
  const error = `${rejected} of ${rows} ${rows === 1 ? 'row' : 'rows'} ${were} rejected, so nothing was imported`;
  const refusal = { success: false, error, code: 'import_rejected', request_id };
  const head = JSON.stringify({
    ...(report.refused ? refusal : { success: true }),
    ...{ dry_run, batch_id, rows, imported, rejected, rejections_omitted },
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
