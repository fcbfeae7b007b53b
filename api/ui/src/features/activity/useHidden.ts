import { useState } from "react";
import { remember, remembered } from "../../lib/memory";

const NAME = "activity.hidden";

/** The failures that were hidden in this browser, and how to change them. */
export function useHidden(): [string[], (hidden: string[]) => void] {
  const [hidden, setHidden] = useState(kept);
  const change = (next: string[]) => {
    remember(NAME, JSON.stringify(next));
    setHidden(next);
  };
  return [hidden, change];
}

function kept(): string[] {
  try {
    const found: unknown = JSON.parse(remembered(NAME) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return []; // somebody else's writing
  }
}
