import{a,b,c,d,e}from"./chunk-NOQEV7HM.js";import"./chunk-H7FTRWTH.js";import"./chunk-TENMUPZN.js";export{d as PlacesTable,e as SmallWorld,c as WorldPicture,a as edgesOf,b as sitesOf};
