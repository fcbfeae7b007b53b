import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";

interface Props {
  label: string;
  help?: ReactNode;
  fault?: ReactNode;
  value: string;
  /** What holds where nothing is said. */
  usual?: string | null;
  /** What can be chosen, with how it is said; without it, it is typed. Nothing chosen is left to the server. */
  choices?: readonly (readonly [string, string])[] | null;
  onChange: (text: string) => void;
}

/** A field that is typed or chosen, with what it means and what is wrong with it. */
export function TextField({ label, help, fault = null, value, usual = null, choices, onChange }: Props) {
  const { t } = useTranslation();
  const isOther = choices && value !== "" && !choices.some(([one]) => one === value);
  const list = choices && [
    ["", usual === null ? t("launch.usual") : t("launch.usualIs", { value: usual })],
    ...choices,
    ...(isOther ? [[value, value]] : []),
  ];
  return (
    <Field label={label} help={help} fault={fault}>
      <Input
        value={value}
        autoComplete="off"
        spellCheck={false}
        placeholder={usual ?? ""}
        onChange={(event) => onChange(event.target.value)}
        {...(list && {
          render: (
            <select>
              {list.map(([one, said]) => (
                <option key={one} value={one}>
                  {said}
                </option>
              ))}
            </select>
          ),
        })}
      />
    </Field>
  );
}
