import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { named } from "./named";
import { getParentRoute } from "./root";

/** What asks a model. */
export const trying = [
  createRoute({
    getParentRoute,
    path: "/chat",
    validateSearch: (search: Record<string, unknown>) => ({
      ...named(search, "model"),
      ...named(search, "conversation"),
    }),
    component: lazyRouteComponent(() => import("../features/chat/ChatPage"), "ChatPage"),
  }),
];
