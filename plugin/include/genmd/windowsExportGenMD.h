#ifndef OPENMM_WINDOWSEXPORTGENMD_H_
#define OPENMM_WINDOWSEXPORTGENMD_H_

/* Visibility of the plugin's API. A macro of our own: with OpenMM's, a kernel library would export OpenMM's symbols. */
#ifdef _MSC_VER
#if defined(GENMD_BUILDING_SHARED_LIBRARY)
#define OPENMM_EXPORT_GENMD __declspec(dllexport)
#else
#define OPENMM_EXPORT_GENMD __declspec(dllimport)
#endif
#else
#define OPENMM_EXPORT_GENMD __attribute__((visibility("default")))
#endif

#endif /*OPENMM_WINDOWSEXPORTGENMD_H_*/
