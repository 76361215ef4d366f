import{a,b,c,d,e}from"./chunk-33RANZCL.js";import"./chunk-H7FTRWTH.js";import"./chunk-2BVDE5CJ.js";export{d as PlacesTable,e as SmallWorld,c as WorldPicture,a as edgesOf,b as sitesOf};
