import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { Access } from "../features/session/Access";
import { getParentRoute } from "./root";

const SettingsPage = lazyRouteComponent(() => import("../features/settings/SettingsPage"), "SettingsPage");

/** The machine, what lies on it, and this browser. */
export const server = [
  createRoute({ getParentRoute, path: "/settings", component: () => <SettingsPage access={<Access />} /> }),
];
