import { act, createElement } from "react";
import { createRoot } from "react-dom/client";
import { expect, test } from "vitest";
import { type UnderWay, useUnderWay } from "./useUnderWay";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

function Shown({ onShown }: { onShown: (now: UnderWay) => void }) {
  onShown(useUnderWay());
  return null;
}

/** What the hook gives in a page, now and after each step. */
async function mounted() {
  const seen: { now: UnderWay } = { now: null as never };
  const root = createRoot(document.createElement("div"));
  const onShown = (now: UnderWay) => {
    seen.now = now;
  };
  await act(async () => root.render(createElement(Shown, { onShown })));
  return { seen, leave: () => act(async () => root.unmount()) };
}

/** Work that lasts until it is stopped. */
const lasting = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => {
    signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
  });

test("what fails is told, and what is stopped is not", async () => {
  const { seen } = await mounted();
  await act(() =>
    seen.now.begin(
      () => Promise.reject(new Error("lost")),
      () => expect.unreachable(),
    ),
  );
  expect([seen.now.error?.message, seen.now.isBusy]).toEqual(["lost", false]);
  let stopped = 0;
  let over: Promise<void> | undefined;
  await act(async () => {
    over = seen.now.begin(lasting, () => {
      stopped += 1;
    });
  });
  expect([seen.now.error, seen.now.isBusy]).toEqual([null, true]);
  await act(async () => {
    seen.now.stop();
    await over;
  });
  expect([stopped, seen.now.error, seen.now.isBusy]).toEqual([1, null, false]);
});

test("what is begun anew breaks off what is under way, and is the one that counts", async () => {
  const { seen, leave } = await mounted();
  let first: AbortSignal | undefined;
  let second: AbortSignal | undefined;
  await act(async () => {
    void seen.now.begin(
      (signal) => {
        first = signal;
        return lasting(signal);
      },
      () => expect.unreachable(),
    );
    void seen.now.begin(
      (signal) => {
        second = signal;
        return lasting(signal);
      },
      () => undefined,
    );
  });
  expect([first?.aborted, second?.aborted, seen.now.isBusy]).toEqual([true, false, true]);
  await leave();
  expect(second?.aborted).toBe(true);
});
