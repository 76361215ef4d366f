import{a,b,c,d,e}from"./chunk-U574KBOG.js";import"./chunk-H7FTRWTH.js";import"./chunk-HUSRN7EJ.js";export{d as PlacesTable,e as SmallWorld,c as WorldPicture,a as edgesOf,b as sitesOf};
