import type { LinkProps } from "@tanstack/react-router";

/** The pages, in the groups that the navigation shows: the name of each, and its path. */
export const GROUPS = [
  [
    "start",
    [
      ["overview", "/"],
      ["catalogue", "/catalogue"],
      ["launch", "/launch"],
      ["models", "/models"],
    ],
  ],
  [
    "try",
    [
      ["chat", "/chat"],
      ["completion", "/completion"],
      ["images", "/images"],
      ["videos", "/videos"],
      ["transcription", "/transcription"],
      ["speech", "/speech"],
      ["embeddings", "/embeddings"],
      ["rerank", "/rerank"],
      ["tokenizer", "/tokenizer"],
    ],
  ],
  [
    "work",
    [
      ["jobs", "/jobs"],
      ["batches", "/batches"],
      ["files", "/files"],
    ],
  ],
  [
    "server",
    [
      ["cluster", "/cluster"],
      ["devices", "/devices"],
      ["events", "/events"],
      ["cache", "/cache"],
      ["register", "/register"],
      ["settings", "/settings"],
    ],
  ],
] as const satisfies readonly (readonly [string, readonly (readonly [string, LinkProps["to"]])[]])[];
