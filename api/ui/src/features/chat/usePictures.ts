import { useState } from "react";

/** A file as a data URL, if it is a picture that this browser can show; null if not. */
async function urlOf(file: File): Promise<string | null> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap || !file.type.startsWith("image/")) return null;
  bitmap.close();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** The pictures of the message that is written. `fault`: the name of a file that is none. */
export function usePictures() {
  const [pictures, setPictures] = useState<string[]>([]);
  const [fault, setFault] = useState<string | null>(null);
  const add = async (files: File[]) => {
    setFault(null);
    for (const file of files) {
      const url = await urlOf(file).catch(() => null);
      if (url) setPictures((before) => [...before, url]);
      else setFault(file.name);
    }
  };
  const remove = (at: number) => setPictures((before) => before.filter((_, index) => index !== at));
  const clear = () => {
    setPictures([]);
    setFault(null);
  };
  return { pictures, fault, add, remove, clear };
}
