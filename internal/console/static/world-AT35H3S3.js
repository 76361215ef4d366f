import{a,b,c,d,e}from"./chunk-OMUCENOB.js";import"./chunk-H7FTRWTH.js";import"./chunk-T22CWUX4.js";export{d as PlacesTable,e as SmallWorld,c as WorldPicture,a as edgesOf,b as sitesOf};
