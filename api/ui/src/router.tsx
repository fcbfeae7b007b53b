import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { pageBase } from "./api/address";
import { filtersOf, tabOf } from "./features/models/search";
import { Access } from "./features/session/Access";
import { SessionGate } from "./features/session/SessionGate";
import { NotFoundPage } from "./features/shell/NotFoundPage";
import { Shell } from "./features/shell/Shell";

const root = createRootRoute({
  component: () => (
    <SessionGate>
      <Shell />
    </SessionGate>
  ),
  notFoundComponent: NotFoundPage,
});

const SettingsPage = lazyRouteComponent(() => import("./features/settings/SettingsPage"), "SettingsPage");

/** A word of an address's search, if it is there. A number in it is a word too: a model may be called 7. */
function named<K extends string>(search: Record<string, unknown>, name: K): { [key in K]?: string | undefined } {
  const value = search[name];
  const word = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return (word ? { [name]: word } : {}) as { [key in K]?: string | undefined };
}

const pages = [
  createRoute({
    getParentRoute: () => root,
    path: "/",
    component: lazyRouteComponent(() => import("./features/overview/OverviewPage"), "OverviewPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/chat",
    validateSearch: (search: Record<string, unknown>) => ({
      ...named(search, "model"),
      ...named(search, "conversation"),
    }),
    component: lazyRouteComponent(() => import("./features/chat/ChatPage"), "ChatPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/models",
    validateSearch: filtersOf,
    component: lazyRouteComponent(() => import("./features/models/ModelsPage"), "ModelsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/models/$uid",
    validateSearch: tabOf,
    component: lazyRouteComponent(() => import("./features/models/ModelPage"), "ModelPage"),
  }),
  createRoute({ getParentRoute: () => root, path: "/settings", component: () => <SettingsPage access={<Access />} /> }),
];

export const router = createRouter({
  routeTree: root.addChildren(pages),
  basepath: pageBase.pathname,
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
