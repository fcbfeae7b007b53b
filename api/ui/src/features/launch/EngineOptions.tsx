import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Folded } from "./Folded";
import type { FieldsProps } from "./fields";
import { foremost } from "./foremost";
import styles from "./Launch.module.css";
import type { EngineOption } from "./options";
import { TextField } from "./TextField";
import { useDescribed } from "./useDescribed";

const FEW = 8;

interface Props extends FieldsProps {
  engine: string;
  options: readonly EngineOption[];
  error: Error | null;
  again: () => void;
}

/** The options of the engine that is chosen, as it describes them. */
export function EngineOptions({ engine, options, error, again, draft, set, fault }: Props) {
  const { t } = useTranslation();
  const described = useDescribed();
  const [wanted, setWanted] = useState("");
  const [isWhole, setWhole] = useState(false);
  const filled = options.filter(({ name }) => draft[name]?.trim()).length;
  const words = wanted.toLowerCase().split(/\s+/);
  const isNeeded = (name: string) => fault(name) !== null || draft[name] !== undefined;
  const some = isWhole || wanted.trim() ? options : foremost(options, isNeeded);
  const shown = some.filter((one) => {
    const text = `${one.name} ${one.description} ${described(one.description) ?? ""}`.toLowerCase();
    return fault(one.name) !== null || words.every((word) => text.includes(word));
  });
  return (
    <Folded
      title={t("launch.options", { engine })}
      note={filled > 0 ? t("launch.filled", { count: filled }) : null}
      isAtFault={options.some((one) => fault(one.name) !== null)}
    >
      {error && <Failure error={error} again={again} />}
      {options.length > FEW && (
        <Field label={t("launch.searchOptions")}>
          <Input type="search" value={wanted} onChange={(event) => setWanted(event.target.value)} />
        </Field>
      )}
      {shown.length === 0 && !error && <p className={styles.small}>{t("launch.noOptions")}</p>}
      <div className={styles.grid}>
        {shown.map(({ name, description, choices, usual, facts }) => (
          <TextField
            key={name}
            label={name}
            help={
              <>
                {described(description) ?? <span lang="en">{description}</span>}{" "}
                <span className={styles.facts}>{facts.join(", ")}</span>
              </>
            }
            usual={usual}
            fault={fault(name)}
            value={draft[name] ?? ""}
            choices={choices?.map((one) => [one, one] as const) ?? null}
            onChange={(text) => set({ [name]: text })}
          />
        ))}
      </div>
      {!wanted.trim() && some.length < options.length && (
        <Button onClick={() => setWhole(true)}>{t("launch.allOptions", { count: options.length })}</Button>
      )}
    </Folded>
  );
}
