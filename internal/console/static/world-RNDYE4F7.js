import{a,b,c,d,e}from"./chunk-HMXKK6UG.js";import"./chunk-H7FTRWTH.js";import"./chunk-7E224KIK.js";export{d as PlacesTable,e as SmallWorld,c as WorldPicture,a as edgesOf,b as sitesOf};
