import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Schema } from './testing/arbitrary.ts';
import { type Media, type Operation, operationsOf, publicRoute, routesOf } from './testing/routes.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

let server: TestServer;
let document: Record<string, unknown>;
let operations: Operation[];
before(async () => {
  server = await startTestServer();
  document = (await server.call('GET', '/openapi.json', { key: '' })).body;
  operations = operationsOf(document as never);
});
after(() => server.stop());

test('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert(valid, JSON.stringify(errors, null, 1));
  assert.match(document.openapi as string, /^3\.1\./);
});

test('every route is in the document', () => {
  const undocumented = (route: string) => publicRoute(route) && !/(livez|readyz)$/.test(route);
  assert.deepEqual(
    operations.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`).sort(),
    routesOf(server.app).filter(route => !undocumented(route)),
  );
});

test('every operation says what it is, takes and answers', async t => {
  const ids = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(ids).size, ids.length, 'two operations have one operationId');
  for (const operation of operations)
    await t.test(operation.operationId, () => {
      for (const field of ['operationId', 'summary', 'description'] as const)
        assert(operation[field], `${field} is missing`);
      assert.equal(operation.tags?.length, 1);
      const parameters = operation.parameters ?? [];
      for (const { name, description } of parameters)
        assert(description, `the parameter ${name} has no description`);
      assert.deepEqual(
        parameters.filter(parameter => parameter.in === 'path').map(({ name }) => `{${name}}`),
        operation.path.match(/\{\w+\}/g) ?? [],
      );
      for (const { name, required, schema } of parameters)
        assert(!required || !('default' in schema), `${name} has a default and yet is required`);
      for (const status of operation.security ? ['500', '503'] : ['401', '500', '503'])
        assert(operation.responses[status], `${status} is not declared`);
      for (const [status, { description, content }] of Object.entries(operation.responses)) {
        assert(description && description !== 'Default Response', `${status} is not described`);
        assert.equal(content === undefined, status === '304', `the content of ${status}`);
        for (const media of Object.values(content ?? {})) assertExplained(media, status);
      }
      for (const [type, media] of Object.entries(operation.requestBody?.content ?? {}))
        assertExplained(media, type);
      const takesBody = ['POST', 'PATCH'].includes(operation.method);
      assert.equal(operation.requestBody !== undefined, takesBody, 'the body is not described');
    });
});

/** It has an example, which matches, and a description of every field. */
function assertExplained({ schema, example, examples = {} }: Media, place: string): void {
  assertDescribed(schema, place);
  const all = Object.values(examples).map(({ value }) => value);
  if (example !== undefined) all.push(example);
  assert(all.length > 0, `${place} has no example`);
  const validate = ajv.compile(schema);
  for (const one of all)
    assert(validate(one), `${place}: ${JSON.stringify(one)} ${ajv.errorsText(validate.errors)}`);
}

function assertDescribed(schema: Schema, path: string): void {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    assert(inner.description, `${path}.${name} has no description`);
    assertDescribed(inner, `${path}.${name}`);
  }
  if (schema.items) assertDescribed(schema.items, `${path}[]`);
}
