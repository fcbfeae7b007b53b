import { useTranslation } from "react-i18next";
import { parameters } from "../../lib/numbers";
import { useAbility } from "../../parts/useAbility";

/** How the words of the catalogue are said to people. What has no words is said as it is. */
export function useWords() {
  const { t, i18n } = useTranslation();
  const ability = useAbility();
  const tongues = tonguesIn(i18n.language);
  return {
    ability,
    language: (word: string) => {
      if (word === "multilingual") return t("catalogue.multilingual");
      try {
        return tongues.of(word) ?? word;
      } catch {
        return word; // it is no code of a language
      }
    },
    /** A number of parameters, of which `billions` are given. */
    size: (billions: number) => parameters(billions, i18n.language),
  };
}

const tonguesOf = new Map<string, Intl.DisplayNames>();

/** What languages are called in one of them. It is made once, as each of a thousand cards asks for it. */
function tonguesIn(language: string): Intl.DisplayNames {
  const there = tonguesOf.get(language) ?? new Intl.DisplayNames(language, { type: "language", fallback: "code" });
  tonguesOf.set(language, there);
  return there;
}
