import{a,b,c,d,e}from"./chunk-YCLC3TFO.js";import"./chunk-H7FTRWTH.js";import"./chunk-TZZDF6Y7.js";export{d as PlacesTable,e as SmallWorld,c as WorldPicture,a as edgesOf,b as sitesOf};
