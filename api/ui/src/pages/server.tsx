import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shownOf } from "../features/cache/held";
import { Access } from "../features/session/Access";
import { getParentRoute } from "./root";

const SettingsPage = lazyRouteComponent(() => import("../features/settings/SettingsPage"), "SettingsPage");

/** The machine, what lies on it, and this browser. */
export const server = [
  createRoute({
    getParentRoute,
    path: "/devices",
    component: lazyRouteComponent(() => import("../features/devices/DevicesPage"), "DevicesPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/register",
    component: lazyRouteComponent(() => import("../features/register/RegisterPage"), "RegisterPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/cache",
    validateSearch: shownOf,
    component: lazyRouteComponent(() => import("../features/cache/CachePage"), "CachePage"),
  }),
  createRoute({ getParentRoute, path: "/settings", component: () => <SettingsPage access={<Access />} /> }),
];
