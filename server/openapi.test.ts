import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { textFormats } from './http/text-formats.ts';
import type { Schema } from './testing/arbitrary.ts';
import { type Media, type Operation, operationsOf, publicRoute, routesOf } from './testing/routes.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

/** What is said by the path alone. */
const bodiless = [
  'endCoolDown',
  'restoreNumber',
  'cancelOrder',
  'testCarrierAccount',
  'attachNumber',
  'compareAccount',
];
/** What changes no organization that is there already, and so has no revision to compare. */
const settings = [
  'createKey',
  'revokeKey',
  'limitKey',
  'createOrganization',
  'editTenant',
  'createToken',
  'revokeToken',
  'createCarrierAccount',
  'editCarrierAccount',
  'removeCarrierAccount',
  'testCarrierAccount',
  'setSandboxFaults',
  'compareAccount',
  'adoptNumbers',
  'resolveDrift',
];
/** What a user who is no admin may ask. */
const own = ['listNumbers', 'listAvailableNumbers', 'getNumber', 'lookUpNumbers', 'getNumbersConfig'];
/** What is asked with a body and changes nothing. */
const asking = ['lookUpNumbers'];
const open = ['live', 'ready'];

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
for (const [name, format] of Object.entries(textFormats)) ajv.addFormat(name, format);

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

/** What those answer that begin something that is followed up. */
const followed: Record<string, string[]> = {
  purchaseNumber: ['200', '202'],
  orderNumbers: ['200', '202'],
  compareAccount: ['202'],
  adoptNumbers: ['202'],
};

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
      const takesBody =
        ['POST', 'PUT', 'PATCH'].includes(operation.method) && !bodiless.includes(operation.operationId);
      assert.equal(operation.requestBody !== undefined, takesBody, 'the body is not described');
      const made = /^(add|create|reserve)/.test(operation.operationId);
      assert.deepEqual(
        Object.keys(operation.responses).filter(status => status < '300'),
        followed[operation.operationId] ?? [made ? '201' : '200'],
      );
    });
});

test('every change takes the headers of a change and can fail for them', async t => {
  for (const { operationId, method, parameters = [], responses } of operations)
    await t.test(operationId, () => {
      const headers = parameters.filter(parameter => parameter.in === 'header');
      const expected = method === 'GET' || asking.includes(operationId) ? [] : ['idempotency-key'];
      if (expected.length > 0 && !settings.includes(operationId)) expected.push('if-match');
      assert.deepEqual(
        headers.map(({ name }) => name),
        expected,
      );
      assert(!headers.some(({ required }) => required));
      const codes = codesOf(responses);
      const declared = (code: string, wanted: boolean) =>
        assert.equal(codes.has(code), wanted, `${code} is${wanted ? ' not' : ''} declared`);
      declared('idempotency_running', expected.includes('idempotency-key'));
      declared('idempotency_mismatch', expected.includes('idempotency-key'));
      declared('revision_mismatch', expected.includes('if-match'));
      declared('admin_required', responses['401'] !== undefined && !own.includes(operationId));
    });
});

test('calls can be made with a key or with a token, and with nothing only where that is declared', () => {
  const { components, security } = document as {
    components: { securitySchemes: object };
    security: Record<string, unknown>[];
  };
  assert.deepEqual(Object.keys(components.securitySchemes), ['api_key', 'user_token']);
  assert.deepEqual(security, [{ api_key: [] }, { user_token: [] }]);
  for (const { operationId, security } of operations)
    assert.deepEqual(security, open.includes(operationId) ? [] : undefined, operationId);
});

/** Every code that the examples name. */
function codesOf(responses: Operation['responses']): Set<unknown> {
  const media = Object.values(responses).flatMap(({ content }) => Object.values(content ?? {}));
  const bodies = media.flatMap(({ example, examples = {} }) => [
    example,
    ...Object.values(examples).map(({ value }) => value),
  ]);
  return new Set(bodies.map(body => (body as { code?: string } | undefined)?.code));
}

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
  for (const choice of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) assertDescribed(choice, path);
}
