import { useTranslation } from "react-i18next";
import type en from "../i18n/en/pages";

type Ability = keyof (typeof en)["ability"];

/** How what a model is able to do is said to people. What has no words is said as it is. */
export function useAbility(): (word: string) => string {
  const { t, i18n } = useTranslation();
  return (word) => (i18n.exists(`ability.${word}`) ? t(`ability.${word as Ability}`) : word);
}
