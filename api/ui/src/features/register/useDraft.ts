import { useState } from "react";
import { remember, remembered } from "../../lib/memory";
import { BLANK, type Draft, read, TYPES } from "./draft";

const NAME = "register";

/** What is being described, which outlives a reload. */
export function useDraft(): [Draft, (draft: Draft) => void] {
  const [draft, setDraft] = useState(kept);
  const change = (next: Draft) => {
    remember(NAME, JSON.stringify(next));
    setDraft(next);
  };
  return [draft, change];
}

function kept(): Draft {
  const found = read(remembered(NAME) ?? "");
  const type = TYPES.find((one) => one === found?.["type"]);
  const text = found?.["text"];
  return type && typeof text === "string" ? { type, text } : BLANK;
}
