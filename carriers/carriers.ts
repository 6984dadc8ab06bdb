import type { CarrierKind } from './carrier.ts';
import { manual } from './manual/manual.ts';
import { sandbox } from './sandbox/sandbox.ts';
import { telnyx } from './telnyx/telnyx.ts';
import { twilio } from './twilio/twilio.ts';

/** Every carrier there is, by the name that the API and the database know it by. A new one is a line here. */
export const carriers: Readonly<Record<string, CarrierKind>> = {
  sandbox,
  twilio,
  telnyx,
  manual,
};
