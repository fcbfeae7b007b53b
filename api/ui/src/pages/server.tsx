import { createRoute } from "@tanstack/react-router";
import { shownOf } from "../features/cache/held";
import { shownOf as eventsOf } from "../features/events/search";
import { Access } from "../features/session/Access";
import { late } from "./late";
import { getParentRoute } from "./root";

const SettingsPage = late(() => import("../features/settings/SettingsPage"), "SettingsPage");

/** The machine, what lies on it, and this browser. */
export const server = [
  createRoute({
    getParentRoute,
    path: "/cluster",
    component: late(() => import("../features/cluster/ClusterPage"), "ClusterPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/devices",
    component: late(() => import("../features/devices/DevicesPage"), "DevicesPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/events",
    validateSearch: eventsOf,
    component: late(() => import("../features/events/EventsPage"), "EventsPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/register",
    component: late(() => import("../features/register/RegisterPage"), "RegisterPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/cache",
    validateSearch: shownOf,
    component: late(() => import("../features/cache/CachePage"), "CachePage"),
  }),
  createRoute({ getParentRoute, path: "/settings", component: () => <SettingsPage access={<Access />} /> }),
];
