import { randomUUID } from 'node:crypto';
import type { GivenNumber } from '../testing/world.ts';

// The fake Telnyx's account.

export type FakeNumber = {
  id: string;
  phone_number: string;
  status: 'purchase-pending' | 'active';
  tags: string[];
  reference: string | null;
  profile: string | null;
};

export type FakeOrder = {
  id: string;
  /** The id of its only sub-order. */
  part: string;
  phone_number: string;
  reference: string;
  status: 'pending' | 'success' | 'failure';
  /** False: the order waits for documents that never come. */
  requirementsMet: boolean;
  looks: number;
};

export type FakeAssignment = {
  phone_number: string;
  campaign: string;
  status: 'PENDING_ASSIGNMENT' | 'ASSIGNED' | 'FAILED_ASSIGNMENT';
  looks: number;
};

export type Registrations = { profile: string; openCampaign: string; closedCampaign: string };

export type FakeAccount = ReturnType<typeof createAccount>;

export function createAccount({ closedCampaign }: Registrations) {
  const forSale = new Set<string>();
  const searched = new Set<string>();
  const numbers = new Map<string, FakeNumber>();
  const orders: FakeOrder[] = [];
  const assignments = new Map<string, FakeAssignment>();
  let lastId = 1_293_384_261_075_731_499n;

  /** Switches for tests. */
  const ways = {
    /** How many of the next orders want documents, and how many fail at their second look-up. */
    wantDocuments: 0,
    fail: 0,
    /** Whether a number gets its order's reference. */
    carryReference: true,
  };

  const isOurs = (phoneNumber: string) => numbers.get(phoneNumber)?.status === 'active';

  function add(phoneNumber: string, status: FakeNumber['status'], reference: string | null): FakeNumber {
    lastId += 1n;
    const number = {
      id: `${lastId}`,
      phone_number: phoneNumber,
      status,
      tags: [],
      reference,
      profile: null,
    };
    numbers.set(phoneNumber, number);
    return number;
  }

  /** An order is complete at its second look-up. */
  function advanceOrder(order: FakeOrder): FakeOrder {
    order.looks += 1;
    if (order.status !== 'pending' || !order.requirementsMet || order.looks < 2) return order;
    const number = numbers.get(order.phone_number);
    if (ways.fail > 0) {
      ways.fail -= 1;
      abandon(order);
    } else if (number) {
      order.status = 'success';
      number.status = 'active';
      if (ways.carryReference) number.reference = order.reference;
    }
    return order;
  }

  function abandon(order: FakeOrder): void {
    order.status = 'failure';
    numbers.delete(order.phone_number);
  }

  return {
    ways,
    numbers,
    isOurs,

    stock(areaCode: string) {
      for (let line = 0; line < 20; line++) forSale.add(`+1${areaCode}55501${String(line).padStart(2, '0')}`);
    },
    takeAway: (phoneNumber: string) => forSale.delete(phoneNumber),
    own(given: GivenNumber[]) {
      for (const { phone_number, tags = [], reference = null } of given)
        add(phone_number, 'active', reference).tags = tags;
    },
    charges: (phoneNumber: string) =>
      orders.filter(order => order.phone_number === phoneNumber && order.status !== 'failure').length,

    search(isWanted: (phoneNumber: string) => boolean, limit: number): string[] {
      const found = [...forSale].filter(phoneNumber => !numbers.has(phoneNumber) && isWanted(phoneNumber));
      for (const phoneNumber of found.slice(0, limit)) searched.add(phoneNumber);
      return found.slice(0, limit);
    },
    order(phoneNumber: string, reference: string): FakeOrder | 'not searched' | 'taken' {
      if (numbers.has(phoneNumber)) return 'taken';
      if (!searched.has(phoneNumber)) return 'not searched';
      if (!forSale.has(phoneNumber)) return 'taken';
      const requirementsMet = ways.wantDocuments === 0;
      if (!requirementsMet) ways.wantDocuments -= 1;
      const order: FakeOrder = {
        id: randomUUID(),
        part: randomUUID(),
        phone_number: phoneNumber,
        reference,
        status: 'pending',
        requirementsMet,
        looks: 0,
      };
      orders.push(order);
      add(phoneNumber, 'purchase-pending', null);
      return order;
    },
    ordersWith: (reference: string) =>
      orders.filter(order => order.reference === reference).map(advanceOrder),
    cancel(part: string): FakeOrder | undefined {
      const order = orders.find(order => order.part === part && order.status === 'pending');
      if (order) abandon(order);
      return order;
    },

    byId: (id: string) => [...numbers.values()].find(number => number.id === id),
    release: (phoneNumber: string) => numbers.delete(phoneNumber) && assignments.delete(phoneNumber),

    assign(phoneNumber: string, campaign: string): FakeAssignment {
      const status = 'PENDING_ASSIGNMENT';
      const assignment: FakeAssignment = { phone_number: phoneNumber, campaign, status, looks: 0 };
      assignments.set(phoneNumber, assignment);
      return assignment;
    },
    unassign(phoneNumber: string): FakeAssignment | undefined {
      const assignment = assignments.get(phoneNumber);
      assignments.delete(phoneNumber);
      return assignment;
    },
    assignment: (phoneNumber: string) => assignments.get(phoneNumber),
    /** Complete at the second look-up, as an order. */
    advanceAssignment(phoneNumber: string): FakeAssignment | undefined {
      const assignment = assignments.get(phoneNumber);
      if (!assignment) return undefined;
      assignment.looks += 1;
      if (assignment.looks >= 2)
        assignment.status = assignment.campaign === closedCampaign ? 'FAILED_ASSIGNMENT' : 'ASSIGNED';
      return assignment;
    },
  };
}
