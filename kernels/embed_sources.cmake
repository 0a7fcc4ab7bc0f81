# Writes a C++ file that defines one member of KernelSources for each file of device code.
# SOURCES: the files; OUTPUT: the file to write.
set(text "#include \"KernelSources.h\"\n\nusing namespace OpenMM;\n")
foreach(source ${SOURCES})
    get_filename_component(name ${source} NAME_WE)
    file(READ ${source} code)
    string(APPEND text "\nconst std::string KernelSources::${name} = R\"DEVICE(${code})DEVICE\";\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
