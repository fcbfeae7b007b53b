import { remember, remembered } from "./memory";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** The theme that was chosen here. */
export function chosenTheme(): Theme {
  return THEMES.find((theme) => theme === remembered("theme")) ?? "system";
}

/** Shows a theme from now on. */
export function showTheme(theme: Theme): void {
  remember("theme", theme);
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
