import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaCodes } from './area-codes.ts';
import { geographicAreaCodes, nearbyAreaCodes, regionsOf } from './regions.ts';

/** What came into service from 2016 to July 2026. */
const since2016: Record<string, string> = {
  'US-AL': '483 659',
  'US-AR': '327',
  'US-CA': '279 341 350 357 369 738 820 837 840',
  'US-CO': '748 983',
  'US-DC': '771',
  'US-FL': '324 448 645 656 689 728',
  'US-GA': '943',
  'US-ID': '986',
  'US-IL': '447 464 730 861',
  'US-IN': '463',
  'US-LA': '457',
  'US-MD': '227',
  'US-MI': '679',
  'US-MN': '924',
  'US-MO': '235 557 975',
  'US-MS': '471',
  'US-NC': '472 743',
  'US-NJ': '640',
  'US-NY': '329 332 363 624 680 838 934',
  'US-OH': '283 326 436',
  'US-OK': '572',
  'US-PA': '223 445 582 835',
  'US-SC': '821 839',
  'US-TN': '729',
  'US-TX': '621 726 945',
  'US-VA': '686 826 948',
  'US-WA': '564',
  'US-WI': '274 353',
  'CA-AB': '368 825',
  'CA-BC': '257 672',
  'CA-MB': '584',
  'CA-NB': '428',
  'CA-NL': '879',
  'CA-ON': '382 548 683 742 753 942',
  'CA-QC': '263 354 367 468',
  'CA-SK': '474',
  JM: '658',
};

test('the area codes of the last ten years are there', () => {
  for (const [region, codes] of Object.entries(since2016))
    for (const code of codes.split(' ')) assert.deepEqual(regionsOf(code), [region], code);
});

test('every state and province has its area codes', () => {
  const regions = Object.keys(areaCodes).flatMap(key => key.split(' '));
  const of = (country: string) => regions.filter(region => region.startsWith(`${country}-`)).length;
  // The states and the District of Columbia; the provinces and territories.
  assert.deepEqual([of('US'), of('CA')], [51, 13]);
  assert.equal(new Set(regions).size, regions.length);
  assert.equal(new Set(geographicAreaCodes).size, geographicAreaCodes.length);
});

test('provinces can share an area code', () => {
  assert.deepEqual(regionsOf('902'), ['CA-NS', 'CA-PE']);
  assert.deepEqual(nearbyAreaCodes('902'), ['782']);
  assert.deepEqual(regionsOf('867'), ['CA-NT', 'CA-NU', 'CA-YT']);
  assert.deepEqual(nearbyAreaCodes('867'), []);
});

test('nearby are the others of the same state, province or country, in ascending order', () => {
  assert.deepEqual(nearbyAreaCodes('512').slice(0, 3), ['210', '214', '254']);
  assert.deepEqual(nearbyAreaCodes('945').length, areaCodes['US-TX']!.split(' ').length - 1);
  assert.deepEqual(nearbyAreaCodes('778'), ['236', '250', '257', '604', '672']);
  assert.deepEqual(nearbyAreaCodes('787'), ['939']);
  assert.deepEqual(nearbyAreaCodes('809'), ['829', '849']);
  assert.deepEqual(nearbyAreaCodes('207'), []);
});

test('every area code is nearby those that are nearby it', () => {
  for (const code of geographicAreaCodes) {
    const nearby = nearbyAreaCodes(code);
    assert.deepEqual(nearby, nearby.toSorted());
    for (const other of nearby) assert.ok(nearbyAreaCodes(other).includes(code), `${code} and ${other}`);
  }
});

test('an area code that is not geographic, not in use or none at all is in no region', () => {
  const toll = ['800', '833', '844', '855', '866', '877', '888'];
  const others = ['500', '521', '600', '622', '700', '710', '900', '911', '211', '999', '100', '41', ''];
  for (const code of [...toll, ...others]) {
    assert.deepEqual(regionsOf(code), [], code);
    assert.deepEqual(nearbyAreaCodes(code), [], code);
  }
});
