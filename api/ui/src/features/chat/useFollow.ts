import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** How near the end counts as the end, in pixels. */
const NEAR = 8;

/** Whether a box that is scrolled to `top` shows its end. */
export function isAtEnd(top: number, height: number, whole: number): boolean {
  return whole - height - top <= NEAR;
}

function shows(box: Element): boolean {
  return isAtEnd(box.scrollTop, box.clientHeight, box.scrollHeight);
}

function toEnd(box: Element | null): void {
  box?.scrollTo({ top: box.scrollHeight, behavior: "instant" });
}

interface Follow {
  /** The box that scrolls. */
  box: RefObject<HTMLDivElement | null>;
  /** Goes to the end, and follows from there on. */
  follow: () => void;
  /** Whether the reader has left the end. */
  isAway: boolean;
}

/** Keeps the end of a box in sight as `shown` changes, while the reader is there; any gesture upwards ends that. */
export function useFollow(shown: unknown): Follow {
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let last = element.scrollTop;
    const leave = () => {
      follows.current = false;
      setAway(!shows(element));
    };
    const scrolled = () => {
      const top = element.scrollTop;
      if (top < last && !shows(element)) leave();
      else if (top >= last && shows(element)) follows.current = true;
      setAway(!follows.current && !shows(element));
      last = top;
    };
    const turned = (event: WheelEvent) => {
      if (event.deltaY < 0) leave();
    };
    // It is lower once the message below it has more lines, or the window is smaller: that is no gesture.
    const sized = new ResizeObserver(() => {
      if (follows.current) toEnd(element);
      last = element.scrollTop;
    });
    sized.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true });
    element.addEventListener("wheel", turned, { passive: true });
    element.addEventListener("touchmove", leave, { passive: true });
    return () => {
      sized.disconnect();
      element.removeEventListener("scroll", scrolled);
      element.removeEventListener("wheel", turned);
      element.removeEventListener("touchmove", leave);
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown has grown
  useLayoutEffect(() => {
    if (follows.current) toEnd(box.current);
  }, [shown]);
  const follow = useCallback(() => {
    follows.current = true;
    setAway(false);
    toEnd(box.current);
  }, []);
  return { box, follow, isAway };
}
