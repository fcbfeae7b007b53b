import i18next, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";
import { remember, remembered } from "../lib/memory";
import type en from "./en";
import type pages from "./en/pages";

/** The languages, each by its own name. */
export const LANGUAGES = { en: "English", "zh-CN": "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

type Words = Record<Language, () => Promise<{ default: object }>>;
const first: Words = { en: () => import("./en"), "zh-CN": () => import("./zh-CN") };
const further: Words = { en: () => import("./en/pages"), "zh-CN": () => import("./zh-CN/pages") };
let areAllWanted = false;

const lazy: BackendModule = {
  type: "backend",
  init() {},
  // i18next counts the parameters: with two, it waits for what is returned.
  async read(language, _namespace) {
    const some = [first, ...(areAllWanted ? [further] : [])];
    const found = await Promise.all(some.map((words) => words[language as Language]()));
    return Object.assign({}, ...found.map((words) => words.default));
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

/** Loads the words that the first page does not need, now and in whatever language is chosen later. */
export async function wholeWords(): Promise<void> {
  if (areAllWanted) return;
  const language = i18next.language as Language;
  i18next.addResourceBundle(language, "translation", (await further[language]()).default, true);
  areAllWanted = true;
  if (i18next.language !== language) await i18next.reloadResources(i18next.language);
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
    resources: { translation: typeof en & typeof pages };
  }
}
