import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { CatalogueEntry } from "../../api/types";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/Select";
import styles from "./Catalogue.module.css";
import { choices } from "./passing";
import { SearchBox } from "./SearchBox";
import { CHECKS, changed, type Filters, TYPES } from "./search";
import { tonguesOf } from "./tongues";
import { useWords } from "./useWords";

interface Props {
  filters: Filters;
  entries: readonly CatalogueEntry[];
  onChange: (filters: Filters) => void;
}

/** Which models are shown. It is kept in the address, so that it can be sent to others. */
export function FilterBar({ filters, entries, onChange }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const there = useMemo(
    () => ({
      ability: choices(entries, (one) => one.abilities),
      language: choices(entries, tonguesOf),
      engine: choices(entries, (one) => one.engines),
      format: choices(entries, (one) => one.formats),
    }),
    [entries],
  );
  const same = (word: string) => word;
  const lists = [
    ["ability", words.ability],
    ["language", words.language],
    ["engine", same],
    ["format", same],
  ] as const;
  const any = ["", t("models.any")] as const;
  const { pages: _, ...chosen } = filters;
  return (
    <search className={styles.filters}>
      <div className={styles.search}>
        <SearchBox text={filters.q ?? ""} onText={(q) => onChange(changed(filters, { q }))} />
      </div>
      <Select
        label={t("catalogue.type")}
        value={filters.type ?? ""}
        options={[any, ...TYPES.map((type) => [type, t(`type.${type}`)] as const)]}
        onChange={(type) => onChange(changed(filters, { type }))}
      />
      {lists.map(([name, said]) => (
        <Select
          key={name}
          label={t(`catalogue.${name}`)}
          value={filters[name] ?? ""}
          options={[any, ...told(withChosen(there[name], filters[name]), said, name === "language")]}
          onChange={(word) => onChange(changed(filters, { [name]: word }))}
        />
      ))}
      <div className={styles.checks}>
        {CHECKS.map((name) => (
          <label key={name} className={styles.check}>
            <input
              type="checkbox"
              checked={filters[name] ?? false}
              onChange={(event) => onChange(changed(filters, { [name]: event.target.checked }))}
            />
            {t(`catalogue.only.${name}`)}
          </label>
        ))}
        {Object.keys(chosen).length > 0 && <Button onClick={() => onChange({})}>{t("catalogue.all")}</Button>}
      </div>
    </search>
  );
}

/** The words of a list, with the chosen one also where no model has it. */
function withChosen(words: readonly string[], chosen: string | undefined): readonly string[] {
  return chosen && !words.includes(chosen) ? [chosen, ...words] : words;
}

const collator = new Intl.Collator();

/** Words with what they are called: in the order of that where there are too many to be looked through. */
function told(words: readonly string[], said: (word: string) => string, byName: boolean) {
  const options = words.map((word) => [word, said(word)] as const);
  return byName ? options.sort(([, one], [, other]) => collator.compare(one, other)) : options;
}
