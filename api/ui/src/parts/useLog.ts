import { useEffect, useState } from "react";
import { ApiError } from "../api/errors";
import { followed } from "../api/follow";
import type { LogLine } from "../api/types";
import { MOST_LINES, type NumberedLine, pushed } from "./lines";

/** A log as far as it is known. `broken`: the server is away, and asked again; `error`: it refused. */
export interface Log {
  lines: NumberedLine[];
  connection: "opening" | "open" | "broken";
  error: Error | null;
}

const AGAIN_MS = 2000;
const DRAW_MS = 100;

/** The log of a model, followed while the page is open. Lines that come at once are drawn at once. */
export function useLog(uid: string): Log {
  const [log, setLog] = useState<Log>({ lines: [], connection: "opening", error: null });
  useEffect(() => {
    const control = new AbortController();
    void follow(uid, control.signal, (change) => setLog((before) => ({ ...before, ...change(before) })));
    return () => control.abort();
  }, [uid]);
  return log;
}

type Report = (change: (before: Log) => Partial<Log>) => void;

async function follow(uid: string, signal: AbortSignal, report: Report): Promise<void> {
  while (!signal.aborted) {
    try {
      await read(uid, signal, report);
    } catch (cause) {
      if (signal.aborted) return;
      const refused = !(cause instanceof ApiError) || (cause.status >= 400 && cause.status < 500);
      if (refused) return report(() => ({ error: cause as Error }));
    }
    if (signal.aborted) return;
    report(() => ({ connection: "broken" }));
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** One connection: it begins with the last lines, so those of before are forgotten. */
async function read(uid: string, signal: AbortSignal, report: Report): Promise<void> {
  const path = `v1/models/${encodeURIComponent(uid)}/logs?follow=true&lines=${MOST_LINES}`;
  const events = await followed(path, signal);
  report(() => ({ connection: "open", lines: [] }));
  let waiting: NumberedLine[] = [];
  let number = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    const added = waiting;
    waiting = [];
    timer = undefined;
    if (!signal.aborted) report((before) => ({ lines: pushed(before.lines, added) }));
  };
  try {
    for await (const data of events) {
      number += 1;
      waiting.push({ ...(JSON.parse(data) as LogLine), number });
      if (waiting.length > MOST_LINES) waiting.shift();
      timer ??= setTimeout(draw, DRAW_MS);
    }
  } finally {
    clearTimeout(timer);
    if (waiting.length > 0) draw();
  }
}
