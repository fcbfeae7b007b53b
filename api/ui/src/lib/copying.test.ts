import { expect, test } from "vitest";
import { copied } from "./copying";

test("where there is no clipboard, the text is copied all the same, and the focus stays where it was", async () => {
  const selected: string[] = [];
  document.execCommand = () => {
    selected.push((document.activeElement as HTMLTextAreaElement).value);
    return true;
  };
  const button = document.createElement("button");
  document.body.append(button);
  button.focus();
  expect(await copied("some text")).toBe(true);
  expect(selected).toEqual(["some text"]);
  expect(document.activeElement).toBe(button);
  expect(document.querySelector("textarea")).toBeNull();
});
