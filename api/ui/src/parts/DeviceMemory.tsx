import { useTranslation } from "react-i18next";
import type { Device } from "../api/types";
import { bytes } from "../lib/numbers";
import { MemoryBar } from "../ui/MemoryBar";
import { partsOf } from "./memory";

/** A device's memory as a bar, and in a line: how much is used, and how much a model may have. */
export function DeviceMemory({ device }: { device: Device }) {
  const { t, i18n } = useTranslation();
  const size = (count: number) => bytes(count, i18n.language);
  const said = t("devices.memory", {
    used: size(device.used_bytes ?? device.measured_bytes),
    total: size(device.total_bytes),
    available: size(device.available_bytes ?? 0),
  });
  return (
    <>
      <MemoryBar label={said} total={device.total_bytes} parts={partsOf(device)} />
      <p>{said}</p>
    </>
  );
}
