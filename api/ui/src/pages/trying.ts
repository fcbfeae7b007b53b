import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
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
    component: lazyRouteComponent(() => import("../features/images/ImagesPage"), "ImagesPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/videos",
    validateSearch: studio,
    component: lazyRouteComponent(() => import("../features/images/VideosPage"), "VideosPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/completion",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: lazyRouteComponent(() => import("../features/completion/CompletionPage"), "CompletionPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/chat",
    validateSearch: (search: Record<string, unknown>) => ({
      ...named(search, "model"),
      ...named(search, "conversation"),
      ...listed(search, "beside"),
    }),
    component: lazyRouteComponent(() => import("../features/chat/ChatPage"), "ChatPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/transcription",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: lazyRouteComponent(() => import("../features/transcription/TranscriptionPage"), "TranscriptionPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/speech",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: lazyRouteComponent(() => import("../features/speech/SpeechPage"), "SpeechPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/embeddings",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: lazyRouteComponent(() => import("../features/embeddings/EmbeddingsPage"), "EmbeddingsPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/rerank",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: lazyRouteComponent(() => import("../features/rerank/RerankPage"), "RerankPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/tokenizer",
    validateSearch: (search: Record<string, unknown>) => named(search, "model"),
    component: lazyRouteComponent(() => import("../features/tokenizer/TokenizerPage"), "TokenizerPage"),
  }),
];
