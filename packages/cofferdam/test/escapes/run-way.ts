/**
 * A program that runs cells under one way, some at a time, and writes a line of JSON for each. The
 * way is the one that COFFERDAM_CONTAINMENT leaves.
 *
 *     node run-way.ts '{"way": …, "place": …, "cells": […], "atOnce": 3}'
 */
import { openScope } from "cofferdam";
import { runCell, type Cell, type Place } from "./cell.ts";
import type { Way } from "./catalogue.ts";

export interface Order {
  readonly way: Way;
  readonly place: Place;
  readonly cells: readonly Cell[];
  readonly atOnce: number;
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const order = JSON.parse(process.argv[2] ?? "") as Order;
await using held = await openScope(); // one keeper for all cells
if (held.containment.tree !== order.way) {
  say({ unavailable: held.shortfall });
} else {
  const waiting = [...order.cells];
  const work = async (): Promise<void> => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
      try {
        say(await runCell(cell, order.way, order.place));
      } catch (error) {
        say({ ...cell, failed: String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: order.atOnce }, work));
}
