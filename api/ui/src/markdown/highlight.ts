import type { LanguageFn } from "highlight.js";
import hljs from "highlight.js/lib/core";
import { createElement, type ReactNode } from "react";
import "./highlight.css";

type Grammar = () => Promise<{ default: LanguageFn }>;

const GRAMMARS: Record<string, Grammar> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  diff: () => import("highlight.js/lib/languages/diff"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  go: () => import("highlight.js/lib/languages/go"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  php: () => import("highlight.js/lib/languages/php"),
  python: () => import("highlight.js/lib/languages/python"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  sql: () => import("highlight.js/lib/languages/sql"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const ALIASES: Record<string, string> = {
  cs: "csharp",
  "c++": "cpp",
  html: "xml",
  js: "javascript",
  jsx: "javascript",
  py: "python",
  rb: "ruby",
  rs: "rust",
  sh: "bash",
  shell: "bash",
  svg: "xml",
  toml: "ini",
  ts: "typescript",
  tsx: "typescript",
  yml: "yaml",
  zsh: "bash",
};

interface Node {
  scope?: string;
  children: (Node | string)[];
}

/** Code as coloured elements; null where its language is not known. */
export async function highlight(text: string, language: string): Promise<ReactNode> {
  const lower = language.toLowerCase();
  const name = ALIASES[lower] ?? lower;
  const grammar = Object.hasOwn(GRAMMARS, name) ? GRAMMARS[name] : undefined;
  if (!grammar) return null;
  if (!hljs.getLanguage(name)) hljs.registerLanguage(name, (await grammar()).default);
  // The tree, and not the HTML that is made of it.
  const tree = hljs.highlight(text, { language: name, ignoreIllegals: true })._emitter as unknown as { rootNode: Node };
  return elements(tree.rootNode.children);
}

function elements(nodes: Node["children"]): ReactNode[] {
  return nodes.map((node, key) => {
    if (typeof node === "string") return node;
    const className = node.scope ? `hljs-${node.scope.split(".")[0]}` : undefined;
    return createElement("span", { key, className }, elements(node.children));
  });
}
