import { createRoute } from "@tanstack/react-router";
import { late } from "./late";
import { listed, named } from "./named";
import { getParentRoute } from "./root";

function studio(search: Record<string, unknown>) {
  return { ...named(search, "model"), ...named(search, "mode"), ...named(search, "after") };
}

/** What asks a model. */
export const trying = [
  createRoute({
    getParentRoute,
    path: "/images",
    validateSearch: studio,
    component: late(() => import("../features/images/ImagesPage"), "ImagesPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/videos",
    validateSearch: studio,
    component: late(() => import("../features/images/VideosPage"), "VideosPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/completion",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: late(() => import("../features/completion/CompletionPage"), "CompletionPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/chat",
    validateSearch: (search: Record<string, unknown>) => ({
      ...named(search, "model"),
      ...named(search, "conversation"),
      ...listed(search, "beside"),
    }),
    component: late(() => import("../features/chat/ChatPage"), "ChatPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/transcription",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: late(() => import("../features/transcription/TranscriptionPage"), "TranscriptionPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/speech",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: late(() => import("../features/speech/SpeechPage"), "SpeechPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/embeddings",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: late(() => import("../features/embeddings/EmbeddingsPage"), "EmbeddingsPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/rerank",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: late(() => import("../features/rerank/RerankPage"), "RerankPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/tokenizer",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: late(() => import("../features/tokenizer/TokenizerPage"), "TokenizerPage"),
  }),
];
