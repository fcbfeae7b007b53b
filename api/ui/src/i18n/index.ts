import i18next, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";
import { remember, remembered } from "../lib/memory";
import type en from "./en";

/** The languages, each by its own name. */
export const LANGUAGES = { en: "English", "zh-CN": "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

const files: Record<Language, () => Promise<{ default: unknown }>> = {
  en: () => import("./en"),
  "zh-CN": () => import("./zh-CN"),
};

const lazy: BackendModule = {
  type: "backend",
  init() {},
  // i18next counts the parameters: with two, it waits for what is returned.
  async read(language, _namespace) {
    return (await files[language as Language]()).default as object;
  },
};

/** The language to begin with: what was chosen here, else what the browser asks for. */
export function preferred(languages: readonly string[] = navigator.languages): Language {
  const chosen = remembered("language");
  if (chosen && Object.hasOwn(LANGUAGES, chosen)) return chosen as Language;
  return languages[0]?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

/** Loads the words of a language, and shows them from now on. */
export async function speak(language: Language): Promise<void> {
  remember("language", language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

/** Loads the words; the page is drawn after that. */
export async function startI18n(): Promise<void> {
  const language = preferred();
  await i18next
    .use(lazy)
    .use(initReactI18next)
    .init({
      lng: language,
      fallbackLng: false,
      supportedLngs: Object.keys(LANGUAGES),
      interpolation: { escapeValue: false }, // React escapes
    });
  document.documentElement.lang = language;
}

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}
