"use strict";

const place = document.getElementById("redoc");
const fonts = "system-ui, sans-serif";

Redoc.init(
  place.dataset.document,
  {
    hideDownloadButton: false,
    theme: { typography: { fontFamily: fonts, headings: { fontFamily: fonts } } },
  },
  place,
);
