import { Readable } from 'node:stream';
import type { Database } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { changingCaller } from '../../http/changing.ts';
import { idempotencyKeyOf, requestHash } from '../../http/idempotency.ts';
import { type App, operation } from '../../http/operation.ts';
import { editableNames } from '../state.ts';
import { type ImportReport, importNumbers, rejectionsStored } from './import.ts';
import type { ImportFormat } from './rows.ts';
import { ImportBody, ImportFile, ImportQuery, ImportRejectedBody } from './schemas.ts';

const formats: Record<string, ImportFormat> = { 'text/csv': 'csv', 'application/x-ndjson': 'ndjson' };
/** Each import holds a database connection until its file has arrived. */
const importsMax = 4;

/** Needs a Fastify scope of its own, since it replaces the body parsers: here a body is a stream. */
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
        description: `Imports a file of numbers of any length into an organization. The file is streamed.

**CSV** (\`Content-Type: text/csv\`) is UTF-8 and comma-separated, and its first line names the columns. The column \`phone_number\` is required. \`user\` is the unique_id or e-mail address of an active user of the organization; the number is assigned to them at once. The other columns are fields of the number: ${editableNames.map(name => `\`${name}\``).join(', ')}. Tags are separated by commas; metadata is JSON. **NDJSON** (\`application/x-ndjson\`) has one object with the same fields per line.

All good rows are imported in one revision. Every other row is reported with its line and the reason.

With an \`Idempotency-Key\`, a repeat with the same key and file replays the first reply. A replay has at most ${rejectionsStored.toLocaleString('en-US')} rejections; \`rejections_omitted\` says how many it leaves out.`,
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
        const idempotency =
          key === undefined ? undefined : { key, hash: requestHash(request).update(format) };
        const caller = changingCaller(request);
        const report = await importNumbers(
          database,
          caller,
          request.query,
          request.body,
          format,
          idempotency,
        );
        if (report.replayed) reply.header('idempotency-replayed', 'true');
        reply.status(report.refused ? 422 : 200).type('application/json; charset=utf-8');
        const text = reportBody(report, request.query.dry_run, request.id, brand);
        const body = Readable.from(text, { objectMode: false });
        // The stream closes even if it is never read because the client has gone.
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
